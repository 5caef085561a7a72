<?php
// Runs the WordPress plugin's functions with stand-ins for what WordPress and WooCommerce give them.
// php wordpress.php <plugin folder> <case>; what the case needs comes as JSON on the standard input, its result goes out as JSON.
error_reporting( E_ALL );
set_error_handler( static function ( $level, $message, $file, $line ) {
	throw new ErrorException( $message, 0, $level, $file, $line );
} );
define( 'ABSPATH', __DIR__ );
define( 'DAY_IN_SECONDS', 86400 );
if ( ! function_exists( 'mb_substr' ) ) { // WordPress has its own, too
	function mb_substr( $text, $start, $length ) { return implode( '', array_slice( preg_split( '//u', $text, -1, PREG_SPLIT_NO_EMPTY ), $start, $length ) ); }
}
$options   = array();
$scheduled = array();
$posted    = array();
$status    = 200;
$hooks     = array();
$session   = array();

function add_action( $name, $function, ...$rest ) { $GLOBALS['hooks'][ $name ][] = $function; }
function add_filter( $name, $function, ...$rest ) { $GLOBALS['hooks'][ $name ][] = $function; }
function register_activation_hook( ...$rest ) {}
function get_option( $name, $default = false ) { return $GLOBALS['options'][ $name ] ?? $default; }
function add_option( $name, $value, ...$rest ) {
	if ( isset( $GLOBALS['options'][ $name ] ) ) { return false; }
	$GLOBALS['options'][ $name ] = $value;
	return true;
}
function update_option( $name, $value, ...$rest ) { $GLOBALS['options'][ $name ] = $value; }
function delete_option( $name ) { unset( $GLOBALS['options'][ $name ] ); }
function wp_json_encode( $value, $flags = 0 ) { return json_encode( $value, $flags ); }
function wp_strip_all_tags( $text ) { return trim( strip_tags( $text ) ); }
function wp_unslash( $value ) { return is_string( $value ) ? stripslashes( $value ) : $value; }
function sanitize_text_field( $text ) { return trim( strip_tags( (string) $text ) ); }
function sanitize_key( $text ) { return preg_replace( '/[^a-z0-9_\-]/', '', strtolower( $text ) ); }
function esc_url( $url ) { return str_replace( array( '&', "'", '"', '<', '>', ' ' ), array( '&#038;', '&#039;', '%22', '%3C', '%3E', '%20' ), $url ); }
function esc_attr( $text ) { return htmlspecialchars( (string) $text, ENT_QUOTES ); }
function esc_html( $text ) { return htmlspecialchars( (string) $text, ENT_QUOTES ); }
function esc_html__( $text, $domain ) { return esc_html( $text ); }
function esc_attr__( $text, $domain ) { return esc_attr( $text ); }
function __( $text, $domain ) { return $text; }
function selected( $a, $b, $show ) { return $a === $b ? " selected='selected'" : ''; }
function checked( $a, $b, $show ) { return $a === $b ? " checked='checked'" : ''; }
function settings_fields( $group ) { echo '<input type="hidden" name="_wpnonce" value="n">'; }
function wp_nonce_field( $action ) { echo '<input type="hidden" name="_wpnonce" value="n">'; }
function submit_button( ...$rest ) { echo '<button>Save</button>'; }
function absint( $n ) { return abs( (int) $n ); }
function add_settings_error( ...$rest ) {}
function current_user_can( $what ) { return true; }
function home_url() { return 'https://shop.example'; }
function admin_url( $path ) { return 'https://shop.example/wp-admin/' . $path; }
function wp_salt( $scheme ) { return 'salt'; }
function wp_print_inline_script_tag( $code ) { echo "<script>$code</script>\n"; }
function wp_print_script_tag( $attributes ) { printf( "<script async src=\"%s\"></script>\n", esc_attr( $attributes['src'] ) ); }
function wp_schedule_single_event( $at, $hook, $args ) { $GLOBALS['scheduled'][] = array( $at - time(), $hook, $args[0] ); }
function wp_remote_post( $url, $request ) {
	$GLOBALS['posted'][] = array( 'url' => $url, 'headers' => $request['headers'], 'body' => $request['body'] );
	return array( 'status' => $GLOBALS['status'] );
}
function is_wp_error( $answer ) { return 0 === $answer['status']; }
function wp_remote_retrieve_response_code( $answer ) { return $answer['status']; }
function get_userdata( $id ) { return (object) array( 'ID' => $id, 'user_email' => 'Anna@Example.kz' ); }
function get_user_meta( ...$rest ) { return '+77012345678'; }
function get_woocommerce_currency() { return 'KZT'; }
function wc_get_price_to_display( $product ) { return $product->price; }
function wp_get_attachment_image_url( ...$rest ) { return 'https://shop.example/kettle.jpg'; }
function wc_get_product( $id ) { return new Product( array( 'id' => $id ) ); }
function wc_get_order( $id ) { return $GLOBALS['orders'][ $id ] ?? false; }
function did_action( $name ) { return 'woocommerce_add_to_cart' === $name ? 1 : 0; }
function is_product() { return true; }
function get_queried_object_id() { return 7; }

// Answers getters with what it was made of.
class Thing {
	public $made;
	public function __construct( $made ) { $this->made = $made; }
	public function __get( $name ) { return $this->made[ $name ] ?? ''; }
	public function __call( $name, $args ) { return $this->made[ preg_replace( '/^get_/', '', $name ) ] ?? ''; }
}
class Product extends Thing {
	public function __construct( $made ) { parent::__construct( $made + array( 'id' => 7, 'parent_id' => 0, 'sku' => 'KET-1', 'name' => 'Kettle', 'price' => 12500, 'permalink' => 'https://shop.example/kettle', 'image_id' => 3 ) ); }
}
class Item extends Thing {
	public function get_product() { return isset( $this->made['product'] ) ? new Product( $this->made['product'] ) : false; }
}
class Moment extends Thing {
	public function getTimestamp() { return $this->made; }
}
class Order extends Thing {
	public function get_items() { return array_map( static function ( $item ) { return new Item( $item ); }, $this->made['items'] ?? array() ); }
	public function get_coupon_codes() { return $this->made['coupon_codes'] ?? array(); }
	public function get_meta( $key ) { return $this->made['meta'][ $key ] ?? ''; }
	public function update_meta_data( $key, $value ) { $this->made['meta'][ $key ] = $value; }
	public function delete_meta_data( $key ) { unset( $this->made['meta'][ $key ] ); }
	public function get_date_created() { return isset( $this->made['created'] ) ? new Moment( $this->made['created'] ) : null; }
	public function get_date_paid() { return isset( $this->made['paid'] ) ? new Moment( $this->made['paid'] ) : null; }
}
class Session {
	public function get( $name, $default ) { return $GLOBALS['session'][ $name ] ?? $default; }
	public function set( $name, $value ) { $GLOBALS['session'][ $name ] = $value; }
}
function WC() { return (object) array( 'session' => new Session(), 'cart' => null ); }

$given = json_decode( stream_get_contents( STDIN ), true );
if ( empty( $given['without_shop'] ) ) {
	class WooCommerce {}
}
$options = $given['options'] ?? array();
$status  = $given['status'] ?? 200;
$_COOKIE = $given['cookies'] ?? array();
$orders  = array();
foreach ( $given['orders'] ?? array() as $id => $made ) {
	$orders[ $id ] = new Order( $made + array( 'id' => $id ) );
}
require $argv[1] . '/kartoteka.php';
require $argv[1] . '/includes/settings-page.php';

function printed( $function ) {
	ob_start();
	$function();
	return ob_get_clean();
}

$cases = array(
	'settings'  => static function () { return kartoteka_settings() + array( 'ready' => kartoteka_ready() ); },
	'signature' => static function ( $given ) { return kartoteka_signature( $given['user'], $given['secret'] ); },
	'devices'   => static function ( $given ) { return array_map( 'kartoteka_device', $given['said'] ); },
	'hubs'      => static function ( $given ) { return array_map( 'kartoteka_hub', $given['said'] ); },
	'key name'  => static function ( $given ) { return kartoteka_key_name( $given['key'] ); },
	'me'        => static function ( $given ) { return kartoteka_me( new Thing( $given['user'] ), kartoteka_setting( 'secret_key' ) ); },
	'mark'      => static function ( $given ) { return array_map( static function ( $user ) { return kartoteka_mark( new Thing( $user ) ); }, $given['users'] ); },
	'head'      => static function () { return printed( 'kartoteka_print_tag' ); },
	'foot'      => static function ( $given ) {
		$GLOBALS['session']['kartoteka_noted'] = $given['noted'] ?? array();
		return array( printed( 'kartoteka_print_page' ), $GLOBALS['session'], defined( 'DONOTCACHEPAGE' ) );
	},
	'added'     => static function ( $given ) {
		kartoteka_added( 'k', 7, $given['quantity'] );
		$fragments = kartoteka_fragment( array() );
		return array( $fragments['#kartoteka-noted'], kartoteka_take_noted() );
	},
	'page'      => static function () { return printed( 'kartoteka_print_settings' ); },
	'sanitize'  => static function ( $given ) {
		$kept = kartoteka_sanitize( $given['said'] );
		return $kept === kartoteka_sanitize( $kept ) ? $kept : 'cleaned twice it is something else'; // as WordPress does
	},
	'checkout'  => static function () {
		kartoteka_remember_browser( $GLOBALS['orders'][12] );
		return $GLOBALS['orders'][12]->made['meta'] ?? array();
	},
	'broken'    => static function () {
		ini_set( 'error_log', '/dev/null' );
		kartoteka_on( 'x', static function () { throw new TypeError( 'broken' ); } );
		kartoteka_on( 'y', 'kartoteka_hub' );
		return array( 'value' => $GLOBALS['hooks']['x'][0]( "the shop's", 2 ), 'hub' => $GLOBALS['hooks']['y'][0]( 'https://crm.example' ) );
	},
	'life'      => static function ( $given ) {
		foreach ( $given['calls'] as $call ) {
			call_user_func_array( $call[0], array_slice( $call, 1 ) );
		}
		return array( 'options' => $GLOBALS['options'], 'scheduled' => $GLOBALS['scheduled'], 'posted' => $GLOBALS['posted'] );
	},
	'hooks'     => static function () {
		kartoteka_hook_tag();
		kartoteka_hook_people();
		kartoteka_hook_cart();
		kartoteka_hook_orders();
		kartoteka_hook_sending();
		kartoteka_hook_settings_page();
		$missing = array();
		foreach ( $GLOBALS['hooks'] as $name => $functions ) {
			foreach ( $functions as $function ) {
				if ( ! is_callable( $function ) && '__return_true' !== $function ) { $missing[] = $function; }
			}
		}
		return array( 'names' => array_keys( $GLOBALS['hooks'] ), 'missing' => $missing );
	},
);
echo json_encode( $cases[ $argv[2] ]( $given ), JSON_INVALID_UTF8_SUBSTITUTE );
