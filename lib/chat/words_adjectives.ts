// Runs in browser and server.
/**
 * The 1,024 first words of room codes, sorted. Only the server loads this list; pages normalise typed codes with
 * `room_code.ts`.
 *
 * Every word is common, 3–9 letters a–z, easy to say and hear on a loud field, has no homophone that people would type
 * instead, no spelling that differs between Britain and America, and is at least two letters' edits away from every
 * other word of this list, so that one slip never turns a code into another. Replacing or reordering words changes
 * which code a new room gets; codes given before stay as they are in the registry.
 */
export const ADJECTIVES: readonly string[] = `
abiding abstract abundant acoustic acrobatic active adaptive admirable adorable adored advanced affable agile
agreeable airborne alpine amazing amber ambient ambitious amiable ample amplified amusing ancient angular animated
annual antique appealing applauded aquatic arched arctic aromatic artful artistic assorted astral astute athletic
audible autumnal avid awake awesome azure backstage baffled balanced balletic baritone bashful beaded beaming
beautiful beige beloved bendy bespoke best big billowy bionic blinking blissful blooming bluesy blushing blustery
bobbing botanic bouncy bounding boundless bountiful braided branching brave breezy bright brilliant briny brisk bronze
bubbly bumpy busking bustling busy buttery buttoned buzzing bygone calm camping candied candlelit capable carefree
casual catchy cautious celestial ceramic chalky chanting charming chatty cheeky cheerful cherished chewy chilled
chiming chipper chirpy chrome chuckling chummy cinematic circling circular citrusy civic clapping classic clear clever
climbing clockwork cloudless cloudy clustered coastal cobalt cobbled coiled colossal comedic comfy compact composed
confident conical cool copper cordial corduroy cosmic costumed cotton countless crackling cradled crafty craggy
creative crested crimson crinkly crispy crooning crowned cruising crumbly crunchy cryptic cubic cuddly culinary
cultured curated curious curly curved cushioned custom cute cyan cycling daily dainty dancing dapper dappled daring
dashing daylong dazzling decorated dedicated deep delicate delicious delighted deluxe denim devoted dewy diagonal
digital dignified diligent disco distant diverse dockside domed dotted dotty double downhill downy dramatic dreamy
dressy drifting drizzly dusty dutiful dynamic eager early earnest earthy eastbound eastern easy easygoing echoing
efficient elaborate elastic elated electric electro elegant eloquent embossed emerald enamel enchanted endearing
endless enduring energetic engaging engraved enigmatic enjoyable enlivened enormous enthused epic esteemed eventful
evergreen everyday excellent exciting expert explored exuberant fabled fabulous familiar famous fanciful fancy
fantastic faraway fearless feathered festive fireproof fizzy flannel flared flat flawless flecked fleecy flexible
floating floral flowery fluent fluffy fluted fluttery flying foamy focused foggy folded folksy fond forested forgiving
fortunate forward fragrant freestyle fresh friendly frilly fringed frosty frozen fruitful funky galactic gallant
galloping gaming gauzy generous gentle genuine geometric giant giddy gifted gigantic giggly gilded gingery giving glad
glamorous glazed gleaming gleeful gliding glinting glittery global glorious glossy glowing golden good goofy gorgeous
gossamer graceful gracious gradual grand granite green grinning groovy guided gutsy gymnastic handheld handmade
handsome handwoven happening happy hardy harmonic harvested hazel healthy heartfelt hearty helpful heroic hexagonal
hilarious historic homemade homeward honest honeyed honking hooting hopeful hopping hourly hovering howling huge
humble humid humming humongous humorous hungry hushed hybrid iconic ideal imaginary immense impish improved inaugural
inclusive incoming indie indigo indoor infinite inland inspired instant intrepid intuitive inventive invisible
inviting ironclad ivory jade jangly jaunty jazzy jingling jocular jogging jokey joking jolly jovial joyful joyous
jubilant juggling jumbled jumbo jumping keen kind kindred kinetic knitted lacy lakeside lamplit large lasting latticed
laughing launched lavender lavish layered leafy leaping legendary legible leisurely lemony lettered level lifelong
lilac lilting limitless linen listening literary little lofty logical long looped lopsided loud lovely loyal lucid
lucky lukewarm luminous lunar luxurious lyrical magenta magic magnetic magnified mahogany majestic major mammoth
mapped marching marine maroon marshy massive matchless medium mega mellow melodic memorable metallic meteoric middle
mighty mild mindful miniature minimal mirrored mirthful misty mobile modern modest modular momentous moonlit mossy
motley muddy murmuring musical mystic mythical narrow natural nautical nearby neat neon nestled newfound nice nifty
nimble noble nocturnal noisy nomadic nonstop northern nostalgic notable nourished novel numbered numeric oaken
obliging oceanic octagonal offbeat ongoing online onstage onward operatic opulent orange orbital orderly organic
original ornate outbound outdoor outgoing oval overhead overjoyed oversized padded paddling painted palatial panoramic
papery parading parallel pastel patched patient patterned peaceful pebbly peculiar peppery peppy perfect perpetual
phantom pictured pink pinstripe pivotal placid planetary planted platinum playful pleasant pleated plentiful plumed
plush poetic pointy poised polished polite poolside popular porcelain portable posh powerful practical prancing
precious precise premium pretty priceless prime princely prismatic pristine prized prolific prominent promising proud
pulsing punchy punctual purple purring puzzled quacking quaint quantum quick quiet quilted quirky quotable racing
radiant ragtime rainy rambling random rapid rare ready reassured recharged recorded recycled refined refreshed regal
reggae regular relaxed renewed renowned resilient resolute resonant restful resting restored retro revolving rewarding
rewired ribboned rich rippling rising riverside roaming robotic robust rocking rocky rolling romantic roomy rosy
rotating round roving ruby ruffled rugged running rural russet rustic salty sandy sapphire sassy satin scarlet
scattered scenic scented scholarly scouting scribbled sculpted seafaring seagoing seaside seasonal seaworthy selfless
sensible sepia serene shaded shallow shimmery shiny shipshape showy shuffled sideways silent silken silly silver
simple sincere singing singsong sizzling skating sketched skilled skipping skyward sleek sleepy small smart smashing
smiling smooth snappy snazzy snoozing snoring snug soapy soaring sociable soft solar solid solo sonic soothing soprano
soulful southern spacious spangled sparkling special speckled speedy spherical spicy spiffy spinning spiral spirited
splashy splendid spongy sporty spotless spotlit spotted sprightly springy sprinkled sprouting square squashy squeaky
squiggly stable stalwart stamped starlit starry startling stately steadfast steady steep stellar sterling stirring
stitched stormy streaming stretchy stringed striped strolling strong strumming studious stunning sturdy stylish
sublime subtle sugary summery sunbaked sunburst sunlit superb surfing surprised surreal swaying sweeping swift swirly
swooping symmetric symphonic syrupy tactful tactile tailored talented talkative tall tangled tangy tapered tartan
tasteful tawny teal techno temperate tenacious tender terraced terrific textured thankful thatched thematic thermal
thinking thorough threaded thrifty thrilled thriving thundery ticking ticklish tilted timed timely tiny tiptop
tireless toasty together topaz topmost torchlit touring towering trackside trained tranquil treasured trekking trendy
trilling triple tropical trotting true truthful tubular tufted tumbling tuned tuneful turbo tweed tweeting twin
twinkling twirling twisty ultimate ultra unafraid unbeaten unbound unbroken uncanny uncharted uncommon undaunted
undersea unending unfazed unfolding unhurried unique united universal unlimited unmatched unplugged unseen unsung
untamed untangled untold unusual unveiled unwrapped unwritten upbeat upcoming uplifting upright upstairs upstream
uptown upturned upward urban utmost valiant varied vast vaulted velvet verdant veritable versatile vertical vibrant
vigorous vintage visionary visiting visual vivacious vivid vocal volcanic voyaging wakeful walking waltzing wandering
warbling warm watchful wavy wearable weaving welcome western whimsical whirling whispery whistling wholesome wicker
windblown windproof windswept windy winged winning winsome wintry wise wishful wispy witty wobbly wonderful wonky
wooden worldwide worthy woven yawning yearning yonder youthful yummy zany zealous zesty zigzag zingy zippy zooming
`.trim().split(/\s+/);
