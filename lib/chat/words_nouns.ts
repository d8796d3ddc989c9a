// Runs in browser and server.
/**
 * The 1,024 second words of room codes, sorted. Only the server loads this list; pages normalise typed codes with
 * `room_code.ts`.
 *
 * Every word is common, 3–9 letters a–z, easy to say and hear on a loud field, has no homophone that people would type
 * instead, no spelling that differs between Britain and America, and is at least two letters' edits away from every
 * other word of this list, so that one slip never turns a code into another. Replacing or reordering words changes
 * which code a new room gets; codes given before stay as they are in the registry.
 */
export const NOUNS: readonly string[] = `
abacus accordion acorn acrobat actor admiral adventure airship album alcove almanac alpaca amplifier anchor anecdote
antelope antenna anthem applause apple apricot apron aquarium arcade archery archway armadillo armchair artichoke
artist aspen asteroid astronaut athlete atlas attic autumn avenue avocado azalea backpack badger badminton bagel
bagpipe bakery balcony ballerina balloon ballpark ballroom bamboo bandstand bangle banjo banner barista baseball
basket bassoon beacon beanbag beekeeper beluga bench bicycle billboard biplane birdhouse birdsong birthday biscuit
bison blanket blossom bluebell blueberry bobcat bonanza bonfire bongo bonnet bonsai bookcase bookmark bookshop
boomerang boulder bounty bracelet bramble bravo breakfast breeze bridge broom brunch bubble bucket buffalo buggy bugle
bulldog bumblebee bungalow bunting burrito butter buttercup butterfly button cabbage cabin cactus calendar camel
camera camper campfire campsite canal canary candle canoe canopy canteen canyon captain capybara caramel caravan
cardigan cargo caribou carnation carnival carousel carpet carriage cartoon cartwheel cascade cashew cassette castle
catamaran catfish cavern cedar cello challenge champion chapter charade chariot cheddar chef chestnut chimney chipmunk
chopstick chorus chutney cinema cinnamon circus clarinet cliff clock cloud clover clownfish clue coast cobra cobweb
coleslaw comedy comet compass composer concert conductor confetti conga conifer cookbook cookie cooler corgi cormorant
cosmos costume couch courage courtyard cove cowbell cowboy coyote cranberry crayon cricket crocodile crouton crown
cube cupboard cupcake curator curiosity cushion custard cyclist daffodil daisy dancehall dancer dandelion daylight
deckchair delight delta destiny diamond dinosaur discovery dollhouse dolphin dome domino donkey doorbell doorway
dormouse dragon dragonfly dream driftwood drizzle drumbeat drummer drumstick duckling duet dumpling dune dusk dynamo
eagle easel echo eclipse elephant emblem enchilada encore energy engine envelope episode eraser escapade evening
explorer fairytale fajita falcon fanfare fantasy farmer farmhouse fashion feather fedora fennel fern ferret festival
fiddle field fiesta finale finch firefly fireplace firework flamingo flapjack flipper flowerpot flute foghorn foliage
folklore football forest fortress fortune fox foxglove foxtrot friend fritter frost funfair future gadget gala galaxy
galleon gallery game garden garland gateway gazebo gazelle gecko gelato gemstone genius geranium gerbil gesture gift
giggle giraffe glacier glade glance glider glitter globe goldfish gondola goose granola grape gravy greyhound grin
groove grouse guava guitar gumdrop gymnast gyroscope hallway hammock hamster handbag handlebar handshake harmonica
harmony harp harvest hatbox haystack hazelnut headlight headphone headset hedgehog hedgerow helipad heron hibiscus
highland hiker hilltop hippo hobby hockey holiday hologram homestead honey honeybee hooray hope hopscotch horizon
horseshoe hourglass houseboat iceberg icicle idea igloo iguana impala invention jackdaw jacket jackpot jaguar jam
jamboree jellyfish jester jigsaw jive jogger joke journey jubilee juggler jukebox jungle juniper jupiter kangaroo
kayak kazoo keepsake kestrel ketchup kettle keyboard kimono kindness king kiosk kitchen kite kitten kiwi koala
labrador lagoon lake lamplight lampshade landmark landscape lantern larch lark lasso laughter legend lemon lemonade
lemur leopard letter lettuce library lifeboat lightbulb limbo limerick lion lobster logic lollipop lookout lotus
lounge lullaby lunchbox luncheon lyric macaroni macaw mackerel magician magnet magnolia magpie mailbox mallard mambo
manatee mandolin mansion map maple maraca marathon marble marigold marimba mariner market marmalade marmot marzipan
mascot matinee meadow medallion meerkat megaphone melody memory mentor mermaid merriment message meteor metronome
microwave midnight midsummer milestone milkshake minibus minnow mint mirror mixtape moment mongoose monocle monorail
monsoon moonbeam moonlight moonstone mosaic moss motorbike motorway motto mountain mouse movie mulberry mural museum
musician mustang mystery myth nacho napkin narrator narwhal navigator nebula necklace nectar nectarine neptune
newspaper newt nomad noodle notebook novelist nugget nutmeg oak oasis oatmeal oboe ocean ocelot octave octopus okapi
olive opera operetta orbit orca orchard orchestra orchid origami oriole ornament osprey ostrich otter outpost overcoat
overture owl pageant painting palace pancake panther papaya paperback paprika parachute parade parakeet parasol parrot
parsley partridge pasta pastry pasture patchwork patio pattern pavilion pavlova peach peacock peanut pebble pecan
pelican pencil pendulum penguin pennant pepper performer periscope pesto petunia pheasant photo piano piccolo pickle
picnic pigeon piglet pillow pilot pinball pineapple pinwheel pioneer pirate pistachio pizza planet platypus playhouse
playlist playtime plaza podium poetry polenta polka pony popcorn porcupine porridge portal portrait postbox postcard
poster postman potato pottery prelude pretzel primrose princess prism producer professor prologue promise propeller
proverb pudding puddle puffin puma pumpkin puppet puppy puzzle pyramid quail quarry quartet queen quest question quilt
rabbit radar radio radish raft railway rainbow raincoat raindrop rainfall raisin ranger raspberry raven ravine ravioli
reader recess recipe recital record redwood reef referee refrain rehearsal reindeer relay relish remix reunion reward
rhapsody rhino rhubarb ribbon rickshaw ringtone ripple risotto river riverbank robin robot rocket rooftop rooster
rowboat rucksack rugby runner runway saddle safari saffron saga sailboat sailor salad salmon salsa samba samosa sandal
sandbox sandpiper sandpit sandwich sapling sardine satchel satellite satsuma saucepan saucer saxophone scarecrow scarf
scientist scooter scout scrapbook screen scroll sculpture seagull seahorse seaplane seashore season seesaw sequel
sequin serenade sesame session shamrock shell sherbet shoebox shoelace shortcake showboat showcase showtime shrimp
shuttle sidecar signpost singer skatepark sketch skier skipper skittle skylark skylight skyline sloth smile smoothie
snail snippet snorkel snowball snowboard snowdrop snowman snowshoe sofa soloist sombrero sonata songbird songbook
sorcerer soup souvenir spaceship spaghetti spaniel sparkler sparrow spatula speaker spectator speedboat spinach
spinner splash spoon spotlight sprinkle sprint sprout spruce spyglass squirrel stadium stage staircase stamp starfish
stargazer starlight starling starship statue stingray stopwatch storybook streamer strobe strudel strummer studio
submarine subway suitcase summer summit sunbeam sundial sunflower sunhat sunrise sunscreen sunset sunshine surfboard
surfer surprise sushi swan sweater swimmer swimsuit sycamore symphony synth syrup table tadpole tandem tangerine tango
tapestry tapioca tassel teacup teamwork teapot teaspoon teddy telephone telescope tempo tennis tent terrace terrapin
thimble thought thrill thunder ticket tiger tightrope timetable tinsel toaster toboggan toffee tofu tomato toolbox
tortilla tortoise toucan tower tractor train trapdoor trapeze treasure treat treetop trellis triangle tricycle trifle
trinket trio tripod triumph trolley trombone trophy trout truffle trumpet tuba tugboat tulip tumble tundra tunnel
turbine turnip turnstile turntable turtle tuxedo twig twilight twirl umbrella unicorn unicycle universe valley vanilla
verse victory video viking village vine vinyl violin visitor volcano voyage wafer waffle wagon waistcoat walkway
wallaby wallpaper walnut walrus waltz wanderer warbler wasabi waterfall wedding weekend whirlpool whirlwind whisper
whistle wildcat windmill window windsock wink winter wish wishbone wizard wolf wombat wonder woodland workout workshop
wren wristband yearbook yodel yurt zebra zenith zest zipper
`.trim().split(/\s+/);
